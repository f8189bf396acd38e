//! The `SQLite` database of products, meter points and agreements that accompanies the readings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Days, NaiveDate};

use super::dirt::Dirt;
use super::random::Random;
use super::{Options, meterpoint_id};

/// `product_id`, `display_name`, `is_variable`.
const PRODUCTS: [(&str, &str, bool); 6] = [
    ("FIX-12M", "Fixed 12 Months", false),
    ("FIX-24M", "Fixed 24 Months", false),
    ("VAR-STD", "Standard Variable", true),
    ("VAR-NIGHT", "Night Saver", true),
    ("FIX-HEAT", "Heat Pump Fixed", false),
    ("VAR-HALF-HOUR", "Half-Hour Tracker", true),
];
const REGIONS: [&str; 5] = ["north", "east", "south", "west", "midlands"];
const TABLES: &str = "
    create table product (id integer primary key, product_id text not null, display_name text not null,
        is_variable integer not null);
    create table meterpoint (meterpoint_id text primary key, region text not null);
    create table agreement (agreement_id integer primary key, account_id text not null,
        meterpoint_id text not null, product_id text not null, agreement_valid_from text not null,
        agreement_valid_to text);";

pub(super) fn write_database(
    path: &Path,
    meters: usize,
    dirty: &BTreeMap<usize, BTreeSet<Dirt>>,
    options: &Options,
) -> rusqlite::Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    {
        let mut product = transaction.prepare("insert into product values (null, ?, ?, ?)")?;
        for (id, name, is_variable) in PRODUCTS {
            product.execute((id, name, is_variable))?;
        }
        let mut meterpoint = transaction.prepare("insert into meterpoint values (?, ?)")?;
        let mut agreement = transaction.prepare("insert into agreement values (null, ?, ?, ?, ?, ?)")?;
        let (nothing, mut changes) = (BTreeSet::new(), 0);
        for meter in 0..meters {
            // A separate stream, so that agreements don't depend on the number of readings.
            let random = &mut Random::of(!options.seed, meter as u64);
            let (id, account) = (meterpoint_id(meter), format!("A-{:08}", 10_000_000 + meter / 2));
            meterpoint.execute((&id, REGIONS[random.below(REGIONS.len())]))?;
            let dirt = dirty.get(&meter).unwrap_or(&nothing);
            for (product, from, to) in agreements(random, dirt, &mut changes, options) {
                let (from, to) = (from.to_string(), to.map(|day| day.to_string()));
                agreement.execute((&account, &id, PRODUCTS[product].0, from, to))?;
            }
        }
    }
    transaction.commit()
}

/// Returns a meter point's agreements, oldest first: product, first day, and exclusive end day.
fn agreements(
    random: &mut Random,
    dirt: &BTreeSet<Dirt>,
    changes: &mut u64,
    options: &Options,
) -> Vec<(usize, NaiveDate, Option<NaiveDate>)> {
    let product = random.below(PRODUCTS.len());
    let began = options.start - Days::new(random.below(900) as u64);
    let mut agreements = vec![(product, began, None)];
    if random.below(3) == 0 {
        // An earlier agreement that ended on the day this one started.
        let earlier = began - Days::new(365);
        agreements.insert(0, (random.below(PRODUCTS.len()), earlier, Some(began)));
    }
    // Changes fall on successive days of the sample, starting with its first day.
    let change = options.start + Days::new(*changes % options.days.max(1) as u64);
    let last = agreements.len() - 1;
    if dirt.contains(&Dirt::AgreementEnds) || dirt.contains(&Dirt::AgreementFollows) {
        agreements[last].2 = Some(change);
        *changes += 1;
    }
    if dirt.contains(&Dirt::AgreementFollows) {
        agreements.push(((product + 1) % PRODUCTS.len(), change, None));
    }
    if dirt.contains(&Dirt::NoAgreement) {
        agreements.clear();
    }
    agreements
}
