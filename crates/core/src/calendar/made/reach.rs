//! Where a deed of the calendar reaches: whoever does it, and whoever agrees, has to have the right there.

use super::event::Deed;
use crate::calendar::WindowKind;
use crate::scope::Scope;
use crate::standing::Standing;

/// Where the window of a deed lies, where it lay, and what it loosens: inside of a release window things go that others
/// hold.
pub fn reach(standing: &Standing, deed: &Deed) -> Vec<Scope> {
    let stands = standing.made.windows.get(deed.name()).map(|made| made.window.scope.clone());
    let Deed::Set { window } = deed else { return stands.into_iter().collect() };
    let mut scopes = vec![window.scope.clone()];
    scopes.extend(stands);
    if window.kind == WindowKind::Release {
        let others = standing.windows().filter(|other| {
            other.kind == WindowKind::Release
                && other.name != window.name
                && other.scope.overlaps(&window.scope)
        });
        scopes.extend(others.map(|other| other.scope.clone()));
    }
    scopes
}
