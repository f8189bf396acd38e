{{ config(severity='warn', tags=['money']) }}
select * from {{ ref('totals') }} where total < 0
