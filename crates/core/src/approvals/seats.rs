//! Seats: the places of the rules that are wanted, and who is counted at which of them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{RuleStanding, assign};
use crate::facts::{ApprovalRuleFact, GivenApproval};

/// The most ways of counting people for all parts of a share at once that are tried.
const WAYS: usize = 256;

/// Places that the same people can fill: those of a rule or, where it has shares, of one of them. Of parts of what would
/// be one share, whoever may speak for all of them can fill a place in each.
#[derive(Clone)]
pub(super) struct Seat<'a> {
    /// The rule, and where it stands among those wanted.
    pub(super) rule: &'a ApprovalRuleFact,
    index: usize,
    /// The shares in which somebody here fills a place; none where the rule has no shares.
    shares: Vec<&'a str>,
    persons: usize,
}

impl<'a> Seat<'a> {
    /// One seat for each rule or share.
    pub(super) fn of(known: &[(&'a ApprovalRuleFact, bool)]) -> Vec<Self> {
        let mut seats = Vec::new();
        for (index, (rule, _)) in known.iter().enumerate() {
            let persons = |persons: u32| usize::try_from(persons).unwrap_or(usize::MAX);
            let seat = |shares, places| Self { rule, index, shares, persons: persons(places) };
            if rule.shares.is_empty() {
                seats.push(seat(Vec::new(), rule.quorum));
            }
            let shares = rule.shares.iter();
            seats.extend(shares.map(|(share, persons)| seat(vec![share.as_str()], *persons)));
        }
        seats
    }

    /// Until when a word counts here, where it was given by somebody who may speak here.
    pub(super) fn until(&self, given: &GivenApproval) -> Option<Timestamp> {
        let of_rule = given.eligible.get(&self.rule.name).copied();
        let of_share = |share: &str| {
            let known = given.shares_until.get(&self.rule.name);
            known.and_then(|known| known.get(share)).copied().or_else(|| {
                let known = given.shares.get(&self.rule.name)?;
                of_rule.filter(|_| known.contains(share))
            })
        };
        if self.shares.is_empty() {
            return of_rule;
        }
        let untils: Option<Vec<Timestamp>> = self.shares.iter().map(|it| of_share(it)).collect();
        untils.and_then(|untils| untils.into_iter().min())
    }
}

/// Parts of what would be one share, and who may speak for all of them.
struct Divided {
    /// Where their seats are.
    parts: Vec<usize>,
    /// By where they stand among those who said yes.
    speakers: Vec<usize>,
    /// The most of them that can be counted for all of it.
    most: usize,
}

impl Divided {
    /// What can be filled at once by somebody who said yes.
    fn of(seats: &[Seat<'_>], may: &[Vec<usize>]) -> Vec<Self> {
        let mut rules: Vec<&Seat<'_>> = seats.iter().collect();
        rules.dedup_by_key(|seat| seat.index);
        let divided = rules.iter().flat_map(|seat| {
            let shares = seat.rule.divided.iter();
            shares.map(|shares| Self::at(seat.index, shares, seats, may))
        });
        divided.filter(|divided| divided.most > 0).collect()
    }

    fn at(rule: usize, shares: &BTreeSet<String>, seats: &[Seat<'_>], may: &[Vec<usize>]) -> Self {
        let is_part = |seat: &Seat<'_>| {
            let mut of_seat = seat.shares.iter();
            seat.index == rule
                && !seat.shares.is_empty()
                && of_seat.all(|share| shares.contains(*share))
        };
        let parts: Vec<usize> = (0..seats.len()).filter(|at| is_part(&seats[*at])).collect();
        let speakers: Vec<usize> = (0..may.len())
            .filter(|yes| parts.iter().all(|part| may[*yes].contains(part)))
            .collect();
        let persons = parts.iter().map(|part| seats[*part].persons).min().unwrap_or(0);
        Self { most: persons.min(speakers.len()), parts, speakers }
    }
}

/// Who is counted where.
pub(super) struct Seating<'a> {
    seats: Vec<Seat<'a>>,
    places: Vec<usize>,
    /// The seats, by index, of each yes, and the one that it is counted at.
    may: Vec<Vec<usize>>,
    assignment: Vec<Option<usize>>,
}

impl<'a> Seating<'a> {
    /// The first seating that leaves the fewest places empty, beginning with one at which everybody fills one place. `may`
    /// lists the seats, by index, of each yes.
    pub(super) fn best(seats: Vec<Seat<'a>>, may: Vec<Vec<usize>>) -> Self {
        let divided = Divided::of(&seats, &may);
        let mut whole = vec![0; divided.len()];
        let mut best = Self::of(seats.clone(), may.clone());
        for _ in 1..WAYS {
            if best.missing() == 0 || !count_up(&mut whole, &divided) {
                break;
            }
            let other = Self::with(seats.clone(), may.clone(), &divided, &whole);
            best = other.filter(|other| other.missing() < best.missing()).unwrap_or(best);
        }
        best
    }

    /// The seating with so many people counted for the whole of each divided share, where so many can be.
    fn with(
        mut seats: Vec<Seat<'a>>,
        mut may: Vec<Vec<usize>>,
        divided: &[Divided],
        whole: &[usize],
    ) -> Option<Self> {
        let single = seats.len();
        for (Divided { parts, speakers, .. }, persons) in divided.iter().zip(whole.iter().copied())
        {
            let Some(first) = parts.first().filter(|_| persons > 0) else { continue };
            let mut all = Seat { shares: Vec::new(), persons, ..seats[*first].clone() };
            for part in parts {
                seats[*part].persons = seats[*part].persons.saturating_sub(persons);
                all.shares.extend(&seats[*part].shares);
            }
            for speaker in speakers {
                // Before the others, so that nobody leaves it empty who could fill it.
                may[*speaker].insert(0, seats.len());
            }
            seats.push(all);
        }
        let seating = Self::of(seats, may);
        (single..seating.seats.len()).all(|seat| seating.empty(seat) == 0).then_some(seating)
    }

    fn of(seats: Vec<Seat<'a>>, may: Vec<Vec<usize>>) -> Self {
        let places: Vec<usize> = seats.iter().map(|seat| seat.persons).collect();
        let assignment = assign(&may, &places);
        Self { seats, places, may, assignment }
    }

    /// How many places of a seat nobody fills.
    fn empty(&self, seat: usize) -> usize {
        let seated = self.assignment.iter().filter(|at| **at == Some(seat)).count();
        self.places[seat].saturating_sub(seated)
    }

    /// How many places nobody fills.
    fn missing(&self) -> usize {
        (0..self.seats.len()).map(|seat| self.empty(seat)).fold(0, usize::saturating_add)
    }

    /// Says of each rule how many persons it needs, who of `yes` is counted for it and until when, and for which shares
    /// somebody more would help.
    pub(super) fn tell(&self, yes: &[&GivenApproval], rules: &mut [RuleStanding]) {
        for seat in self.seats.iter().filter(|seat| seat.shares.len() > 1) {
            let spared = (seat.shares.len() - 1).saturating_mul(seat.persons);
            let spared = u32::try_from(spared).unwrap_or(u32::MAX);
            rules[seat.index].quorum = rules[seat.index].quorum.saturating_sub(spared);
        }
        for (given, seat) in yes.iter().zip(&self.assignment) {
            let Some(seat) = seat.map(|at| &self.seats[at]) else { continue };
            let rule = &mut rules[seat.index];
            rule.met_by.insert(given.person.clone());
            rule.good_until = [rule.good_until, seat.until(given)].into_iter().flatten().min();
        }
        for (at, seat) in self.seats.iter().enumerate() {
            let rule = &mut rules[seat.index];
            if let [share] = seat.shares[..]
                && rule.missing() > 0
                && self.one_more(at)
            {
                rule.awaits.insert(share.to_owned());
            }
        }
    }

    /// Whether somebody more at a seat would fill a place more, of whichever seat.
    fn one_more(&self, at: usize) -> bool {
        let with: Vec<Vec<usize>> = self.may.iter().cloned().chain([vec![at]]).collect();
        assign(&with, &self.places).last().is_some_and(Option::is_some)
    }
}

/// Goes on to the next way of counting people for whole shares; false after the last.
fn count_up(whole: &mut [usize], divided: &[Divided]) -> bool {
    for (persons, divided) in whole.iter_mut().zip(divided) {
        if *persons < divided.most {
            *persons += 1;
            return true;
        }
        *persons = 0;
    }
    false
}
