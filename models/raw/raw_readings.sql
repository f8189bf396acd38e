-- As loaded, with the place each row came from; what could not be read is in raw_readings_rejected.
select
    interval_start,
    consumption_delta,
    meterpoint_id,
    _source_file,
    _source_row
from {{ source('files', 'readings') }}
