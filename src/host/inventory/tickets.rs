// SPDX-License-Identifier: LGPL-2.1-or-later
//! Waiting for what is asked of a host: who waits has a number, and is done when what began after
//! it was taken is over, or has failed.

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// That all that was noted before is asked for.
    Noted,
    /// That all rows are compared as well.
    Compared,
}

/// The numbers of a host's.
#[derive(Clone, Copy, Default)]
pub struct Tickets([Numbers; 2]);

#[derive(Clone, Copy, Default)]
struct Numbers {
    taken: u64,
    begun: u64,
    done: u64,
    failed: u64,
}

/// How it is with what somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ticket {
    /// It is not over.
    Open,
    /// It is done.
    Done,
    /// It has failed.
    Failed,
}

impl Tickets {
    /// A number to wait with.
    pub fn take(&mut self, awaited: Awaited) -> u64 {
        let numbers = &mut self.0[awaited as usize];
        numbers.taken += 1;
        numbers.taken
    }

    /// What was waited for until now begins. A comparison is good for those who wait for less.
    pub fn begin(&mut self, awaited: Awaited) {
        for numbers in &mut self.0[..=awaited as usize] {
            numbers.begun = numbers.taken;
        }
    }

    /// What has begun is done.
    pub fn settle(&mut self) {
        for numbers in &mut self.0 {
            numbers.done = numbers.begun;
        }
    }

    /// All that is waited for has failed.
    pub fn fail(&mut self) {
        for numbers in &mut self.0 {
            numbers.failed = numbers.taken;
        }
    }

    /// How it is with one.
    pub fn state(&self, awaited: Awaited, ticket: u64) -> Ticket {
        let numbers = &self.0[awaited as usize];
        if numbers.done >= ticket {
            Ticket::Done
        } else if numbers.failed >= ticket {
            Ticket::Failed
        } else {
            Ticket::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_before_does_not_count() {
        let mut tickets = Tickets::default();
        tickets.begin(Awaited::Compared);
        let ticket = tickets.take(Awaited::Compared);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Open);
        tickets.begin(Awaited::Compared);
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Open);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Done);
        let ticket = tickets.take(Awaited::Compared);
        tickets.fail();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Failed);
    }

    #[test]
    fn who_waits_for_a_comparison_is_not_content_with_less() {
        let mut tickets = Tickets::default();
        let [noted, compared] = [Awaited::Noted, Awaited::Compared].map(|it| tickets.take(it));
        tickets.begin(Awaited::Noted);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Noted, noted), Ticket::Done);
        assert_eq!(tickets.state(Awaited::Compared, compared), Ticket::Open);
        let noted = tickets.take(Awaited::Noted);
        tickets.begin(Awaited::Compared);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Noted, noted), Ticket::Done);
        assert_eq!(tickets.state(Awaited::Compared, compared), Ticket::Done);
    }
}
