//! Who is meant in a refusal. Rules know people by opaque ids alone; whoever may see who is behind one reads the name.

use axum::response::Response;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_engine::Caller;

use crate::api::identity::called;
use crate::app::App;
use crate::problem::Problem;

/// Each shows names of people somewhere: of those behind changes, of accounts, of roles.
const SHOWING: [Permission; 3] =
    [Permission::ChangeRead, Permission::AccountManage, Permission::OrganisationRead];

/// What every id of a person begins with, and how many letters or digits follow.
const PREFIX: &str = "person/";
const LETTERS: usize = 26;

/// Puts names in place of ids into the problem that an answer carries, where it carries one and the caller may see them.
pub(crate) async fn named(app: &App, caller: Option<&Caller>, mut response: Response) -> Response {
    let Some(caller) = caller else { return response };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let said = spoken(app, caller, problem).await;
        response.extensions_mut().insert(said);
    }
    response
}

/// A problem with names in place of ids, where the caller may see them.
pub(crate) async fn spoken(app: &App, caller: &Caller, problem: Problem) -> Problem {
    let sees = SHOWING.iter().any(|one| caller.may(*one));
    if !sees || !problem.detail.contains(PREFIX) {
        return problem;
    }
    let (names, mut said) = (app.clone(), problem.clone());
    // Names are in the store. Without them the refusal is said as it was.
    let work = move || {
        said.detail = in_names(&said.detail, |person| called(&names, person));
        Ok(said)
    };
    app.blocking(work).await.unwrap_or(problem)
}

/// A text with what each person is called in place of their id.
fn in_names(text: &str, called: impl Fn(&PersonId) -> String) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        let end = at + PREFIX.len() + LETTERS;
        let person = rest.get(at..end).and_then(|id| PersonId::parse(id).ok());
        let (before, after) = match &person {
            Some(_) => (at, end),
            None => (at + PREFIX.len(), at + PREFIX.len()),
        };
        written.push_str(rest.get(..before).unwrap_or_default());
        written.extend(person.map(|person| called(&person)));
        rest = rest.get(after..).unwrap_or_default();
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::in_names;

    #[test]
    fn ids_of_people_become_names_and_nothing_else_does() {
        let id = format!("person/{}", "0a".repeat(13));
        for (text, said) in [
            (format!("{id} has no account"), "Ann has no account".to_owned()),
            (format!("`{id}` and {id}"), "`Ann` and Ann".to_owned()),
            (format!("person/short, {id}"), "person/short, Ann".to_owned()),
            ("person/".to_owned(), "person/".to_owned()),
            (format!("person/{}", "ü".repeat(20)), format!("person/{}", "ü".repeat(20))),
            ("nobody".to_owned(), "nobody".to_owned()),
        ] {
            assert_eq!(in_names(&text, |_| "Ann".to_owned()), said);
        }
    }
}
