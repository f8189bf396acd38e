{{ config(materialized='incremental', event_time='interval_start') }}

select
    interval_start,
    meterpoint_count,
    total_kwh
from {{ ref('total_consumption_half_hour') }}
