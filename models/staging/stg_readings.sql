with readings as (

    select * from {{ ref('raw_readings') }}

),

measured as (

    -- Before repeats are settled, so that a later null never hides an earlier value.
    select * from readings
    where consumption_delta is not null

),

-- Most readings come once. Only those that do not are worth sorting; being few, they are the side of the joins that
-- is held in memory.
repeated as (

    select meterpoint_id, interval_start
    from measured
    group by meterpoint_id, interval_start
    having count(*) > 1

),

once as (

    select measured.*
    from repeated
    right anti join measured
        on repeated.meterpoint_id = measured.meterpoint_id
        and repeated.interval_start = measured.interval_start

),

settled as (

    -- The last row of the last file.
    select measured.*
    from repeated
    right semi join measured
        on repeated.meterpoint_id = measured.meterpoint_id
        and repeated.interval_start = measured.interval_start
    qualify row_number() over (
        partition by measured.meterpoint_id, measured.interval_start
        order by measured._source_file desc, measured._source_row desc
    ) = 1

),

latest as (

    select meterpoint_id, interval_start, consumption_delta as consumption_kwh from once
    union all
    select meterpoint_id, interval_start, consumption_delta as consumption_kwh from settled

)

select * from latest
