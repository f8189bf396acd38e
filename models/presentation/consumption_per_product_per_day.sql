{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='date',
    batch_size='day',
    begin=var('begin'),
    on_sql_change='full_refresh'
) }}

with readings as (

    select * from {{ ref('stg_readings_with_agreement') }}

)

select
    display_name,
    reading_date as date,
    count(distinct meterpoint_id) as meterpoint_count,
    sum(consumption_kwh) as total_kwh
from readings
group by display_name, reading_date
