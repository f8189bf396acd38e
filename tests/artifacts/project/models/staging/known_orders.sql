{{ config(materialized='ephemeral') }}

select stg_orders.*, countries.name as country_name
from {{ ref('stg_orders') }} as stg_orders
inner join {{ ref('countries') }} as countries on stg_orders.country = countries.code
