{{ config(
    materialized='incremental',
    unique_key=['reading_date', 'meterpoint_id', 'interval_start'],
    merge_delete_condition='DBT_INTERNAL_SOURCE.consumption_kwh is null',
    on_sql_change='full_refresh',
    partition_by='reading_date',
    event_time='interval_start'
) }}

with readings as (

    select * from {{ ref('raw_readings') }}

),

{% if is_incremental() -%}
-- Half hours of which a reading came or went since this table was made; all others are as they were.
touched as (

    select distinct meterpoint_id, interval_start from {{ changes(ref('raw_readings')) }}

),

measured as (

    -- Before repeats are settled, so that a later null never hides an earlier value.
    select readings.*
    from touched
    right semi join readings
        on touched.meterpoint_id = readings.meterpoint_id
        and touched.interval_start = readings.interval_start
    where readings.consumption_delta is not null

),

settled as (

    -- The last row of the last file.
    select meterpoint_id, interval_start, consumption_delta
    from measured
    qualify row_number() over (
        partition by meterpoint_id, interval_start
        order by _source_file desc, _source_row desc
    ) = 1

),

latest as (

    -- Where nothing is measured any more there is no value: the row leaves the table.
    select touched.meterpoint_id, touched.interval_start, settled.consumption_delta as consumption_kwh
    from touched
    left join settled
        on touched.meterpoint_id = settled.meterpoint_id
        and touched.interval_start = settled.interval_start

)
{%- else -%}
measured as (

    -- Before repeats are settled, so that a later null never hides an earlier value.
    select * from readings where consumption_delta is not null

),

-- Most readings come once. Only those that do not are worth sorting; being few, they are the side of the joins that
-- is held in memory.
repeated as (

    select meterpoint_id, interval_start
    from measured
    group by meterpoint_id, interval_start
    having count(*) > 1

),

once as (

    select measured.*
    from repeated
    right anti join measured
        on repeated.meterpoint_id = measured.meterpoint_id
        and repeated.interval_start = measured.interval_start

),

settled as (

    -- The last row of the last file.
    select measured.*
    from repeated
    right semi join measured
        on repeated.meterpoint_id = measured.meterpoint_id
        and repeated.interval_start = measured.interval_start
    qualify row_number() over (
        partition by measured.meterpoint_id, measured.interval_start
        order by measured._source_file desc, measured._source_row desc
    ) = 1

),

latest as (

    select meterpoint_id, interval_start, consumption_delta as consumption_kwh from once
    union all
    select meterpoint_id, interval_start, consumption_delta as consumption_kwh from settled

)
{%- endif %}

select
    meterpoint_id,
    interval_start,
    cast(interval_start as date) as reading_date,
    consumption_kwh
from latest
