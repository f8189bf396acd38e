-- Sums of the same readings in another order differ in their last digits, hence the tolerance.
with staged as (

    select sum(consumption_kwh) as kwh from {{ ref('stg_readings') }}

),

staged_with_agreement as (

    select sum(consumption_kwh) as kwh from {{ ref('stg_readings_with_agreement') }}

),

by_half_hour as (

    select sum(total_kwh) as kwh from {{ ref('total_consumption_half_hour') }}

),

by_product_and_day as (

    select sum(total_kwh) as kwh from {{ ref('consumption_per_product_per_day') }}

),

compared as (

    select 'total_consumption_half_hour' as reported_by, staged.kwh as staged_kwh, by_half_hour.kwh as reported_kwh
    from staged cross join by_half_hour

    union all

    select 'consumption_per_product_per_day', staged_with_agreement.kwh, by_product_and_day.kwh
    from staged_with_agreement cross join by_product_and_day

)

select * from compared
where abs(staged_kwh - reported_kwh) > 1e-6 * abs(staged_kwh)
    or (staged_kwh is null) <> (reported_kwh is null)
