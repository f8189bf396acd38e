with agreements as (

    select * from {{ ref('raw_agreements') }}

),

products as (

    select * from {{ ref('raw_products') }}

),

with_products as (

    select
        agreements.agreement_id,
        agreements.account_id,
        agreements.meterpoint_id,
        agreements.product_id,
        products.display_name,
        products.is_variable,
        agreements.agreement_valid_from as valid_from,
        agreements.agreement_valid_to as valid_to
    from agreements
    inner join products on agreements.product_id = products.product_id

)

select * from with_products
