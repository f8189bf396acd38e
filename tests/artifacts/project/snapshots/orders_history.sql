{% snapshot orders_history %}
{{ config(unique_key='order_id', strategy='timestamp', updated_at='ordered_at', schema='history') }}
select * from {{ ref('stg_orders') }}
{% endsnapshot %}
