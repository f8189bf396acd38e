{{ config(materialized='incremental', event_time='date') }}

with readings as (

    select * from {{ ref('stg_readings_with_agreement') }}

)

select
    display_name,
    cast(interval_start as date) as date,
    count(distinct meterpoint_id) as meterpoint_count,
    sum(consumption_kwh) as total_kwh
from readings
group by display_name, cast(interval_start as date)
