{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='interval_start',
    batch_size='day',
    begin=var('begin'),
    on_sql_change='full_refresh'
) }}

with readings as (

    select * from {{ ref('stg_readings_with_agreement') }}

)

select
    interval_start,
    display_name,
    avg(consumption_kwh) as avg_kwh
from readings
group by interval_start, display_name
