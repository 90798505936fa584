//! Tests of the organisation's folder as its callers see it.

#[cfg(test)]
mod acme;
#[cfg(test)]
mod backstage;
#[cfg(test)]
mod hostile;
mod ics;
#[cfg(test)]
mod items;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod rendering;
#[cfg(test)]
mod support;
