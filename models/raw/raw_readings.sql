-- As loaded, each file once, with the place each row came from. What could not be read is in raw_readings_rejected, what is
-- known of each file in raw_readings_files.
{{ config(materialized='incremental') }}

select
    interval_start,
    consumption_delta,
    meterpoint_id,
    _source_file,
    _source_row
from {{ source('files', 'readings') }}
