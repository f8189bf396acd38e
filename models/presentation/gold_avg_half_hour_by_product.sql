{{ config(materialized='incremental', event_time='interval_start') }}

with readings as (

    select * from {{ ref('stg_readings_with_agreement') }}

)

select
    interval_start,
    display_name,
    avg(consumption_kwh) as avg_kwh
from readings
group by interval_start, display_name
