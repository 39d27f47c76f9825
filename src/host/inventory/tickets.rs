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

/// What begins, and is good for those who have waited for it until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// All rows are compared, and all documents asked for.
    All,
    /// All rows are compared. Documents are asked for after events, which may not have been told.
    Compared,
    /// All that was noted is asked for, when the events that this ticket is for have been told.
    Noted(u64),
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

    /// What was waited for begins.
    pub fn begin(&mut self, begun: Begun) {
        let [noted, compared] = &mut self.0;
        if begun != Begun::Compared {
            noted.begun = match begun {
                Begun::Noted(ticket) => noted.begun.max(ticket),
                _ => noted.taken,
            };
        }
        if !matches!(begun, Begun::Noted(_)) {
            compared.begun = compared.taken;
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
        tickets.begin(Begun::Compared);
        let ticket = tickets.take(Awaited::Compared);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Open);
        tickets.begin(Begun::Compared);
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Open);
        tickets.settle();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Done);
        let ticket = tickets.take(Awaited::Compared);
        tickets.fail();
        assert_eq!(tickets.state(Awaited::Compared, ticket), Ticket::Failed);
    }

    #[test]
    fn each_waits_for_its_own() {
        let mut tickets = Tickets::default();
        let [noted, later] = [0; 2].map(|_| tickets.take(Awaited::Noted));
        let compared = tickets.take(Awaited::Compared);
        let mut after = |begun| {
            tickets.begin(begun);
            tickets.settle();
            [(Awaited::Noted, noted), (Awaited::Noted, later), (Awaited::Compared, compared)]
                .map(|(awaited, ticket)| tickets.state(awaited, ticket) == Ticket::Done)
        };
        assert_eq!(after(Begun::Noted(noted)), [true, false, false]);
        assert_eq!(after(Begun::Compared), [true, false, true], "its events may not be told");
        assert_eq!(after(Begun::All), [true, true, true]);
        assert_eq!(after(Begun::Noted(noted)), [true, true, true]);
    }
}
