//! The assignment of persons to rules: maximum bipartite matching with capacities.

/// Assigns persons to rules so that as many places as possible are filled, each person at most once.
///
/// `may[person]` lists the rules (by index) that a person may be counted for; `places[rule]` says how many
/// persons the rule needs. The answer gives each person's rule. If every place can be filled, every
/// place is. Kuhn's augmenting paths; persons and rules come in the order given, so the answer is
/// the same for the same question.
pub fn assign(may: &[Vec<usize>], places: &[usize]) -> Vec<Option<usize>> {
    let mut seated: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for person in 0..may.len() {
        let mut asked = vec![false; places.len()];
        seat(person, may, places, &mut seated, &mut asked);
    }
    let mut answer = vec![None; may.len()];
    for (rule, persons) in seated.iter().enumerate() {
        for person in persons {
            if let Some(place) = answer.get_mut(*person) {
                *place = Some(rule);
            }
        }
    }
    answer
}

/// Finds a place for `person`, asking those who sit to move. The depth is bounded by the number of rules.
fn seat(
    person: usize,
    may: &[Vec<usize>],
    places: &[usize],
    seated: &mut [Vec<usize>],
    asked: &mut [bool],
) -> bool {
    let Some(rules) = may.get(person) else { return false };
    for &rule in rules {
        match asked.get_mut(rule) {
            Some(asked) if !*asked => *asked = true,
            _ => continue,
        }
        if seated[rule].len() < places[rule] {
            seated[rule].push(person);
            return true;
        }
        for position in 0..seated[rule].len() {
            let other = seated[rule][position];
            if seat(other, may, places, seated, asked) {
                seated[rule][position] = person;
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many places the best assignment fills, by trying them all.
    fn best(may: &[Vec<usize>], places: &mut [usize], from: usize) -> usize {
        if from == may.len() {
            return 0;
        }
        let mut most = best(may, places, from + 1);
        for &rule in &may[from] {
            if places[rule] > 0 {
                places[rule] -= 1;
                most = most.max(1 + best(may, places, from + 1));
                places[rule] += 1;
            }
        }
        most
    }

    #[test]
    fn somebody_who_could_do_both_does_the_one_that_nobody_else_can() {
        assert_eq!(assign(&[vec![0, 1], vec![0]], &[1, 1]), [Some(1), Some(0)]);
    }

    proptest! {
        #[test]
        fn if_an_assignment_exists_it_is_found(
            may in proptest::collection::vec(proptest::collection::btree_set(0_usize..4, 0..4), 0..7),
            places in proptest::collection::vec(0_usize..3, 4),
        ) {
            let may: Vec<Vec<usize>> = may.into_iter().map(|rules| rules.into_iter().collect()).collect();
            let found = assign(&may, &places);
            let mut used = vec![0; places.len()];
            for (person, rule) in found.iter().enumerate() {
                if let Some(rule) = rule {
                    prop_assert!(may[person].contains(rule), "nobody is counted for a rule they may not speak for");
                    used[*rule] += 1;
                }
            }
            prop_assert!(used.iter().zip(&places).all(|(used, places)| used <= places));
            prop_assert_eq!(used.iter().sum::<usize>(), best(&may, &mut places.clone(), 0));
        }
    }
}
