{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='interval_start',
    batch_size='day',
    begin=var('begin'),
    on_sql_change='full_refresh'
) }}

select
    interval_start,
    meterpoint_count,
    total_kwh
from {{ ref('total_consumption_half_hour') }}
