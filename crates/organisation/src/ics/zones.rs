//! Which zone a name means.
//!
//! In this order: an IANA name; an IANA name at the end of a globally unique one
//! (`/example.org/2005/Europe/Berlin`); a name of Windows; what the file itself says of the zone,
//! by name (`X-LIC-LOCATION`) or by behaviour ([`super::vtimezone`]). Anything else is a problem:
//! a time whose zone is guessed is worse than none.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;

use super::components::Component;
use super::problem::{IcsProblemKind, Problems};
use super::values::unescape;
use super::vtimezone::known_zone;

/// The most descriptions times years that are compared for one calendar.
const BEHAVIOURS_LIMIT: usize = 64;

/// The zones of one calendar.
pub(super) struct Zones<'a> {
    descriptions: BTreeMap<String, &'a Component>,
    floating: Option<String>,
    /// What was found out by behaviour, by name and year.
    behaving: RefCell<BTreeMap<(String, i16), Option<&'static str>>>,
}

impl<'a> Zones<'a> {
    /// What `calendar` says of zones. Floating times are those of `floating_zone`, else of the
    /// calendar's own zone, else of none that is said.
    pub(super) fn of(
        calendar: &'a Component,
        floating_zone: Option<&str>,
        problems: &mut Problems,
    ) -> Zones<'a> {
        let described = calendar.children.iter().filter(|it| it.name == "VTIMEZONE");
        let descriptions =
            described.filter_map(|it| Some((plain(&it.property("TZID")?.value), it))).collect();
        let mut zones = Zones { descriptions, floating: None, behaving: RefCell::default() };
        if let Some(zone) = floating_zone {
            zones.floating = Some(zone.to_owned());
        } else if let Some(line) =
            calendar.property("X-WR-TIMEZONE").filter(|line| !line.value.trim().is_empty())
        {
            match zones.by_name(line.value.trim()) {
                Some(name) => zones.floating = Some(name),
                None => {
                    let zone = line.value.chars().take(80).collect();
                    problems.push(line.line, IcsProblemKind::UnknownZone { zone });
                }
            }
        }
        zones
    }

    /// The zone of floating times, where one is said.
    pub(super) fn floating(&self) -> Option<&str> {
        self.floating.as_deref()
    }

    /// The IANA name of the zone that `id` means for a time around `near`.
    pub(super) fn resolve(&self, id: &str, near: DateTime) -> Result<String, IcsProblemKind> {
        let id = plain(id);
        let id = id.as_str();
        let by_behaviour = || self.by_behaviour(id, near.year());
        self.by_name(id).or_else(by_behaviour).or_else(|| fixed(id)).ok_or_else(|| {
            let zone = id.chars().take(80).collect();
            IcsProblemKind::UnknownZone { zone }
        })
    }

    fn by_behaviour(&self, id: &str, year: i16) -> Option<String> {
        let description = self.descriptions.get(id)?;
        let mut known = self.behaving.borrow_mut();
        let key = (id.to_owned(), year);
        if known.len() >= BEHAVIOURS_LIMIT && !known.contains_key(&key) {
            return None;
        }
        known.entry(key).or_insert_with(|| known_zone(description, year)).map(str::to_owned)
    }

    fn by_name(&self, id: &str) -> Option<String> {
        let located = || {
            let location = self.descriptions.get(id)?.property("X-LIC-LOCATION")?;
            iana(location.value.trim())
        };
        iana(id).or_else(|| iana_suffix(id)).or_else(|| windows(id)).or_else(located)
    }
}

/// The canonical spelling of an IANA name.
fn iana(name: &str) -> Option<String> {
    match name {
        "UTC" | "Etc/UTC" | "GMT" | "Z" | "Etc/GMT" => Some("UTC".to_owned()),
        _ => {
            let zone = TimeZoneDatabase::bundled().get(name).ok()?;
            zone.iana_name().map(str::to_owned)
        }
    }
}

/// The IANA name that ends a longer one, the longest such.
fn iana_suffix(id: &str) -> Option<String> {
    let mut rest = id;
    while let Some((_, tail)) = rest.split_once('/') {
        rest = tail;
        // One part alone, such as `EST`, is too little to be sure.
        if !rest.contains('/') {
            return None;
        }
        if let Some(name) = iana(rest) {
            return Some(name);
        }
    }
    None
}

/// A name as it is compared: escaped as a text in one place, quoted in another.
fn plain(id: &str) -> String {
    unescape(id).trim().trim_matches('"').to_owned()
}

/// The zone of `UTC+11`, `GMT-3` and `UTC+05:00`; only whole hours have one.
fn fixed(id: &str) -> Option<String> {
    let text = id.strip_prefix("UTC").or_else(|| id.strip_prefix("GMT"))?.trim();
    // IANA counts these zones westwards: `Etc/GMT-11` is ahead of UTC.
    let (hours, sign) = match text.strip_prefix('+') {
        Some(ahead) => (ahead, '-'),
        None => (text.strip_prefix('-')?, '+'),
    };
    let hours = hours.strip_suffix(":00").unwrap_or(hours);
    if hours.is_empty() || hours.len() > 2 || !hours.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match hours.parse::<u8>().ok()? {
        0 => Some("UTC".to_owned()),
        hours => iana(&format!("Etc/GMT{sign}{hours}")),
    }
}

fn windows(id: &str) -> Option<String> {
    let found = WINDOWS.iter().find(|(name, _)| name.eq_ignore_ascii_case(id));
    found.map(|(_, iana)| (*iana).to_owned())
}

/// Names of Windows and the zone that Unicode CLDR (windowsZones, territory 001) gives each.
const WINDOWS: &[(&str, &str)] = &[
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Azerbaijan Standard Time", "Asia/Baku"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("Caucasus Standard Time", "Asia/Yerevan"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Asia Standard Time", "Asia/Bishkek"),
    ("Central Brazilian Standard Time", "America/Cuiaba"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Coordinated Universal Time", "UTC"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("Ekaterinburg Standard Time", "Asia/Yekaterinburg"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("Fiji Standard Time", "Pacific/Fiji"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Jordan Standard Time", "Asia/Amman"),
    ("Kaliningrad Standard Time", "Europe/Kaliningrad"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Mauritius Standard Time", "Indian/Mauritius"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("Myanmar Standard Time", "Asia/Yangon"),
    ("N. Central Asia Standard Time", "Asia/Novosibirsk"),
    ("Namibia Standard Time", "Africa/Windhoek"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("North Asia East Standard Time", "Asia/Irkutsk"),
    ("North Asia Standard Time", "Asia/Krasnoyarsk"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Paraguay Standard Time", "America/Asuncion"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russia Time Zone 3", "Europe/Samara"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Samoa Standard Time", "Pacific/Apia"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Tonga Standard Time", "Pacific/Tongatapu"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Vladivostok Standard Time", "Asia/Vladivostok"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("West Pacific Standard Time", "Pacific/Port_Moresby"),
    ("Yakutsk Standard Time", "Asia/Yakutsk"),
];
