// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is told of how far something is.

/// Makes of what is known at each moment what may be told. What drivers say of a job
/// goes back when there is more to do than was thought, and is complete before the job
/// has succeeded: so what is told never goes back, and is complete only at the end of
/// what has succeeded. A moment that is no advance is told as the last one that was.
#[derive(Debug, Default)]
pub struct Meter {
    /// What was told last.
    told: Option<(u64, u64)>,
    /// How much there was to do when that was last known; 0 if it never was.
    total: u64,
}

impl Meter {
    /// What to tell while it goes on: what is done, of how much (0 if that is not
    /// known).
    pub fn advance(&mut self, done: u64, total: u64) -> (u64, u64) {
        if total > 0 {
            self.total = total;
        }
        let (before, of) = self.told.unwrap_or((0, total));
        let share = |done: u64, of: u64| u128::from(done) * u128::from(of);
        let is_advance = done >= before
            && match (of, total) {
                (0, 0) => true,
                (_, 0) => false,
                (0, total) => done < total,
                (of, total) => done < total && share(done, of) >= share(before, total),
            };
        *self.told.insert(if is_advance { (done, total) } else { (before, of) })
    }

    /// The same of what says that it is complete only when it is. It may find more to do then.
    /// Of what has not begun, both are 0.
    pub fn reach(&mut self, done: u64, total: u64) -> (u64, u64) {
        if done != total || total == 0 {
            return self.advance(done, total);
        }
        let all = self.told.map_or(done, |(before, _)| before.max(done));
        *self.told.insert((all, all))
    }

    /// What to tell when all of it is done. None if nothing was told before.
    pub fn complete(&self) -> Option<(u64, u64)> {
        let (done, _) = self.told?;
        let all = self.total.max(done);
        Some((all, all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Told = (u64, u64);

    fn told(moments: &[Told]) -> (Vec<Told>, Option<Told>) {
        let mut meter = Meter::default();
        let told = moments.iter().map(|(done, total)| meter.advance(*done, *total)).collect();
        (told, meter.complete())
    }

    #[test]
    fn what_advances_is_told_as_it_is() {
        let moments = [(0, 10), (3, 10), (3, 10), (9, 10)];
        assert_eq!(told(&moments), (moments.to_vec(), Some((10, 10))));
        assert_eq!(told(&[(1, 0), (5, 0)]), (vec![(1, 0), (5, 0)], Some((5, 5))));
        assert_eq!(told(&[]), (vec![], None));
    }

    #[test]
    fn the_last_advance_is_told_again() {
        // Complete too early, above all, back, more to do than was thought, unknown.
        let moments = [(4, 10), (10, 10), (11, 10), (3, 10), (5, 100), (6, 0), (50, 100)];
        let again = vec![(4, 10); 6];
        assert_eq!(told(&moments), ([again, vec![(50, 100)]].concat(), Some((100, 100))));
        assert_eq!(told(&[(10, 10)]), (vec![(0, 10)], Some((10, 10))));
        assert_eq!(told(&[(5, 0), (3, 10), (6, 10)]).0, [(5, 0), (5, 0), (6, 10)]);
    }

    proptest! {
        #[test]
        fn it_never_goes_back_and_completes_once(
            moments in proptest::collection::vec((0..20_u64, 0..20_u64), 0..40)
        ) {
            let (told, complete) = told(&moments);
            let share = |(done, total): (u64, u64)| match total {
                0 => 0.0,
                total => done as f64 / total as f64,
            };
            for told in &told {
                prop_assert!(told.1 == 0 || told.0 < told.1, "{told:?}");
            }
            for pair in told.iter().copied().chain(complete).collect::<Vec<_>>().windows(2) {
                prop_assert!(pair[0].0 <= pair[1].0, "{pair:?}");
                prop_assert!(share(pair[0]) <= share(pair[1]) || pair[1] == (0, 0), "{pair:?}");
            }
            if let Some((done, total)) = complete {
                prop_assert_eq!(done, total);
            }
        }
    }
}
