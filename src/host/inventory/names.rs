// SPDX-License-Identifier: LGPL-2.1-or-later
//! The names of states and types, as `vkvm_enum_get_name` has them, without a copy for each row.

use std::sync::OnceLock;

use crate::constants::Number;
use crate::enums::GROUPS;
use crate::host::lists::OTHER_DOMAIN_STATES;

/// What a number is called that libvirt has and this library has not.
const UNKNOWN: &str = "unknown";

/// The names of a group of constants.
pub struct Names {
    group: &'static str,
    list: OnceLock<Vec<(i64, String)>>,
}

/// States of domains.
pub static DOMAIN_STATES: Names = Names::of("domain_state");
/// States of storage pools.
pub static POOL_STATES: Names = Names::of("storage_pool_state");
/// Types of volumes.
pub static VOLUME_TYPES: Names = Names::of("storage_vol_type");

/// States of networks: libvirt has no group for them.
pub const INACTIVE: &str = "inactive";
/// As above.
pub const ACTIVE: &str = "active";

/// Why a domain is in a state, by the number of the state.
static REASONS: [Names; 8] = [
    Names::of("domain_state_reason_nostate"),
    Names::of("domain_state_reason_running"),
    Names::of("domain_state_reason_blocked"),
    Names::of("domain_state_reason_paused"),
    Names::of("domain_state_reason_shutdown"),
    Names::of("domain_state_reason_shutoff"),
    Names::of("domain_state_reason_crashed"),
    Names::of("domain_state_reason_pmsuspended"),
];

/// Why a domain is in this state.
pub fn reason(state: i32, reason: i32) -> &'static str {
    let names = usize::try_from(state).ok().and_then(|state| REASONS.get(state));
    names.map_or(UNKNOWN, |names| names.get(reason))
}

/// All names that a row's state can have.
pub fn states() -> impl Iterator<Item = &'static str> {
    let all = [&DOMAIN_STATES, &POOL_STATES].into_iter().flat_map(|names| names.list());
    all.map(|(_, name)| &**name).chain([ACTIVE])
}

/// The state of this name; virsh's names of domain states are taken as well.
pub fn state(name: &str) -> Option<&'static str> {
    let other = OTHER_DOMAIN_STATES.iter().find(|(_, virsh)| *virsh == name);
    let name = other.map_or(name, |(constant, _)| constant);
    states().find(|known| *known == name)
}

impl Names {
    const fn of(group: &'static str) -> Self {
        Names { group, list: OnceLock::new() }
    }

    /// The name of a number.
    pub fn get(&'static self, number: i32) -> &'static str {
        let found = self.list().iter().find(|(known, _)| *known == i64::from(number));
        found.map_or(UNKNOWN, |(_, name)| name)
    }

    fn list(&'static self) -> &'static [(i64, String)] {
        self.list.get_or_init(|| {
            let group = GROUPS.iter().find(|group| group.name == self.group);
            let members = group.into_iter().flat_map(|group| group.members());
            members
                .filter_map(|member| match member.constant.value {
                    Number::Int(number) => Some((number, member.name)),
                    Number::Text(_) => None,
                })
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_reasons_have_the_names_of_their_constants() {
        assert_eq!(DOMAIN_STATES.get(1), "running");
        assert_eq!(DOMAIN_STATES.get(5), "shutoff");
        assert_eq!(DOMAIN_STATES.get(99), UNKNOWN);
        assert_eq!(POOL_STATES.get(2), "running");
        assert_eq!(VOLUME_TYPES.get(0), "file");
        assert_eq!(reason(1, 1), "booted");
        assert_eq!(reason(5, 2), "destroyed");
        assert_eq!(reason(-1, 2), UNKNOWN);
        assert!(states().any(|name| name == "inactive") && states().any(|name| name == "paused"));
    }

    #[test]
    fn states_have_virshs_names_too() {
        assert_eq!(state("shut off"), Some("shutoff"));
        assert_eq!(state("shutoff"), Some("shutoff"));
        for (number, virsh) in crate::host::lists::DOMAIN_STATES.iter().enumerate() {
            assert_eq!(state(virsh), Some(DOMAIN_STATES.get(number as i32)), "{virsh}");
        }
        assert_eq!(state("off"), None);
    }

    #[test]
    fn each_state_has_its_reasons() {
        for (state, names) in REASONS.iter().enumerate() {
            let group = format!("domain_state_reason_{}", DOMAIN_STATES.get(state as i32));
            assert_eq!(names.group, group);
            assert!(!names.list().is_empty(), "{group}");
        }
    }
}
