{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='interval_start',
    batch_size='day',
    begin=var('begin'),
    on_lookup_change='full_refresh',
    on_sql_change='full_refresh',
    partition_by='reading_date'
) }}

with readings as (

    select
        meterpoint_id,
        interval_start,
        reading_date,
        consumption_kwh
    from {{ ref('stg_readings') }}

),

agreements as (

    select * from {{ ref('stg_agreements') }}

),

with_agreement as (

    select
        readings.meterpoint_id,
        readings.interval_start,
        readings.reading_date,
        readings.consumption_kwh,
        agreements.agreement_id,
        agreements.product_id,
        agreements.display_name
    from readings
    inner join agreements
        on readings.meterpoint_id = agreements.meterpoint_id
        and {{ valid_on('readings.reading_date', 'agreements') }}

)

select * from with_agreement
