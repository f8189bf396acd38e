{{ config(materialized='incremental', event_time='interval_start') }}

with readings as (

    select * from {{ ref('stg_readings') }}

)

select
    interval_start,
    -- A meter point has one reading a half hour in stg_readings, so no DISTINCT is needed.
    count(meterpoint_id) as meterpoint_count,
    sum(consumption_kwh) as total_kwh
from readings
group by interval_start
