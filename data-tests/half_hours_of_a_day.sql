-- Meters that fail to send are the operator's concern, so this warns and withholds nothing.
{{ config(severity='warn') }}

select
    meterpoint_id,
    reading_date,
    count(*) as half_hours
from {{ ref('stg_readings') }}
group by meterpoint_id, reading_date
having count(*) <> 48
order by meterpoint_id, reading_date
