// SPDX-License-Identifier: LGPL-2.1-or-later
//! The options of an inventory.

use std::time::Duration;

use super::given;
use super::row::Kind;
use crate::error::Result;
use crate::value::Map;

/// The most hosts that may be at work at once.
const MOST_AT_ONCE: i64 = 1024;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What there are rows of.
    pub kinds: Vec<Kind>,
    /// How often all rows are compared with the host; None: only after an event was missed.
    pub refresh: Option<Duration>,
    /// How long changes are gathered before the host is asked.
    pub max_delay: Duration,
    /// How long a call may take.
    pub timeout: Duration,
    /// How many hosts are at work at once.
    pub limit: usize,
    /// Whether domains are asked for what is in their documents only.
    pub details: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            kinds: vec![Kind::Node, Kind::Domain, Kind::Network, Kind::Pool],
            refresh: Some(Duration::from_secs(60)),
            max_delay: Duration::ZERO,
            timeout: Duration::from_secs(10),
            limit: 64,
            details: true,
        }
    }
}

const KEYS: [&str; 6] = ["kinds", "refresh", "max_delay_ms", "timeout_ms", "limit", "details"];

impl Settings {
    /// Reads the options.
    pub fn read(options: &Map) -> Result<Self> {
        let mut settings = Settings::default();
        given::each("options", options, &KEYS, |key, given| {
            match key {
                "kinds" => settings.kinds = kinds(&given)?,
                "refresh" => {
                    let seconds = given.integer(0, DAY)?;
                    settings.refresh = (seconds > 0).then(|| Duration::from_secs(seconds));
                }
                "max_delay_ms" => {
                    settings.max_delay = Duration::from_millis(given.integer(0, 60_000)?);
                }
                "timeout_ms" => {
                    settings.timeout = Duration::from_millis(given.integer(1, DAY * 1000)?);
                }
                "limit" => settings.limit = given.integer(1, MOST_AT_ONCE)? as usize,
                _ => settings.details = given.truth()?,
            }
            Ok(())
        })?;
        Ok(settings)
    }

    /// Whether there are rows of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

fn kinds(given: &given::Given<'_>) -> Result<Vec<Kind>> {
    let kinds = given.kinds(&Kind::ALL)?;
    if kinds.is_empty() {
        return Err(given.wrong("is empty; at least one kind is needed"));
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn read(json: &str) -> Result<Settings> {
        match Value::from_json(json)? {
            Value::Map(map) => Settings::read(&map),
            other => panic!("{other:?} is no map"),
        }
    }

    #[test]
    fn options_are_read() {
        let settings = read(
            r#"{"kinds": ["pool", "domain", "pool"], "refresh": 0, "max_delay_ms": 5,
                "timeout_ms": 1500, "limit": 3, "details": false}"#,
        )
        .expect("options");
        assert_eq!(settings.kinds, [Kind::Domain, Kind::Pool]);
        assert_eq!(settings.refresh, None);
        assert_eq!(settings.max_delay, Duration::from_millis(5));
        assert_eq!(settings.timeout, Duration::from_millis(1500));
        assert_eq!((settings.limit, settings.details), (3, false));
        let settings = read(r#"{"kinds": "volume", "refresh": null}"#).expect("options");
        assert!(settings.has(Kind::Volume) && !settings.has(Kind::Domain));
        assert!(settings.refresh.is_some());
    }

    #[test]
    fn wrong_options_are_named() {
        let cases = [
            (r#"{"kind": "domain"}"#, "options: there is no \"kind\"; there are \"kinds\", "),
            (
                r#"{"kinds": ["domains"]}"#,
                "options: there is no \"domains\"; the names for \"kinds\"",
            ),
            (r#"{"kinds": []}"#, "options: \"kinds\" is empty"),
            (r#"{"kinds": [1]}"#, "options: \"kinds\" has an item that is no text"),
            (r#"{"refresh": -1}"#, "options: \"refresh\" is -1; an integer from 0 to"),
            (r#"{"refresh": 1.5}"#, "options: \"refresh\" is a double; an integer is needed"),
            (r#"{"timeout_ms": 0}"#, "options: \"timeout_ms\" is 0"),
            (r#"{"limit": 0}"#, "options: \"limit\" is 0"),
            (r#"{"details": {}}"#, "options: \"details\" is a map; a bool is needed"),
        ];
        for (json, message) in cases {
            let error = read(json).expect_err(json).to_string();
            assert!(error.starts_with(message), "{json}: {error}");
        }
    }
}
