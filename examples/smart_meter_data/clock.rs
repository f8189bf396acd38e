//! The half hours of the sample, in every time format that files use.

use chrono::{NaiveTime, TimeDelta};

use super::Options;

/// The time format of a row.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Plain,
    Zulu,
    Offset,
    Epoch,
    Nonsense,
}

/// Every half hour of the sample in every format, including quotes.
pub(super) struct Clock {
    written: [Vec<String>; 4],
}

impl Clock {
    pub(super) fn new(options: &Options) -> Self {
        let midnight = options.start.and_time(NaiveTime::MIN);
        let times = || (0..).take(options.days * 48).map(|slot| midnight + TimeDelta::minutes(30 * slot));
        let offsets = [("+02:00", 120), ("-03:30", -210), ("+05:45", 345), ("+00:00", 0)];
        let elsewhere = times().zip(offsets.iter().cycle()).map(|(time, (name, minutes))| {
            let local = time + TimeDelta::minutes(*minutes);
            format!("\"{}{name}\"", local.format("%Y-%m-%dT%H:%M:%S"))
        });
        let plain = times().map(|time| time.format("\"%Y-%m-%d %H:%M:%S\"").to_string()).collect();
        let zulu = times().map(|time| time.format("\"%Y-%m-%dT%H:%M:%SZ\"").to_string()).collect();
        let epoch = times().map(|time| time.and_utc().timestamp_millis().to_string()).collect();
        Self { written: [plain, zulu, elsewhere.collect(), epoch] }
    }

    pub(super) fn slots(&self) -> usize {
        self.written[0].len()
    }

    pub(super) fn write(&self, form: Form, slot: usize) -> &str {
        let form = match form {
            Form::Plain => 0,
            Form::Zulu => 1,
            Form::Offset => 2,
            Form::Epoch => 3,
            Form::Nonsense => return "\"2021-13-41 25:61:00\"",
        };
        &self.written[form][slot]
    }
}
