//! What files become: text on the left, items on the right.

use serde_json::{Value, json};
use sluice_organisation::{Keys, OfflineKeys};

use crate::support::{read_offline, rendered};

#[test]
fn settings_become_an_item_only_where_they_say_something() {
    check("settings:\n", json!([]));
    check("settings: {pass: 15m, zone: UTC}", json!([]));
    check(
        "settings: {title: Acme, pass: 10m, debt: 1w, review: 2d, outcome: 6h, zone: Europe/Berlin,\n  \
         business_hours: [9, 17], business_days: [mon, Sat], stages: {deploy: 'deploy*'}}",
        json!([{"kind": "settings", "spec": {
            "title": "Acme", "production_branches": ["main", "master"], "pass_minutes": 10,
            "debt_limit": 3, "debt_days": 7, "review_hours": 48, "outcome_hours": 6, "zone": "Europe/Berlin",
            "business_hours": [9, 17], "business_days": [1, 6],
            "stages": {"deploy": ["deploy*"]}}}]),
    );
}

#[test]
fn environments_are_controlled_from_staging_on() {
    check(
        "environments:\n\
         - {name: dev, tier: development}\n\
         - {name: prod, tier: production, aliases: [PROD, live], after: stage, soak: 1d}\n\
         - {name: stage, tier: staging}\n",
        json!([
            {"kind": "environment", "spec": {"name": "dev", "tier": "development", "controlled": false}},
            {"kind": "environment", "spec": {"name": "prod", "tier": "production", "controlled": true,
                "aliases": ["live"], "after": "stage", "soak_minutes": 1440}},
            {"kind": "environment", "spec": {"name": "stage", "tier": "staging", "controlled": true}},
        ]),
    );
}

#[test]
fn people_are_known_by_keys_alone() {
    let (alice, bob) = (OfflineKeys.person("alice"), OfflineKeys.person("bob"));
    let mail = OfflineKeys.identity("email", "alice@example.org");
    let account = OfflineKeys.identity("account", "github:alice-a");
    let mut keys = [mail, account];
    keys.sort();
    let mut items = vec![
        json!({"kind": "person", "spec": {"id": alice, "identities": keys,
            "roles": [{"role": "change_manager", "scope": {"environment_tiers": ["production"]}},
                      {"role": "auditor"}],
            "delegates": [bob]}}),
        json!({"kind": "person", "spec": {"id": bob, "claims": ["department=finance"]}}),
    ];
    items.sort_by_key(|item| item["spec"]["id"].as_str().map(str::to_owned));
    items.insert(0, json!({"kind": "team", "spec": {"name": "core", "members": [alice]}}));
    items.insert(
        0,
        json!({"kind": "environment", "spec":
        {"name": "prod", "tier": "production", "controlled": true}}),
    );
    check(
        "environments: [{name: prod, tier: production}]\n\
         people:\n\
         - handle: alice\n  name: Alice\n  emails: [' Alice@Example.org ']\n  \
           accounts: ['github:Alice-A']\n  delegates: bob\n  \
           roles: [{role: change_manager, scope: {environment_tiers: production}}, auditor]\n\
         - {handle: bob, claims: [department=finance]}\n\
         teams: [{name: core, members: [alice]}]\n",
        Value::Array(items),
    );
}

#[test]
fn windows_come_from_times_rules_and_cron() {
    let window = |name: &str, kind: &str, schedule: Value| {
        json!({"kind": "window", "spec": {"name": name, "title": name, "kind": kind, "scope": {},
            "schedule": schedule, "in_flight": "finish"}})
    };
    check(
        "settings: {zone: Europe/Berlin}\n\
         windows:\n\
         - {name: a, kind: freeze, start: 2026-12-24, end: 2026-12-27}\n\
         - {name: b, kind: freeze, start: 2026-12-24, duration: 2d, zone: UTC}\n\
         - {name: c, kind: release, start: '2026-01-05T09:00:00', duration: PT7H,\n    \
              rrule: FREQ=DAILY, exdates: ['2026-01-06T09:00:00']}\n\
         - {name: d, kind: release, cron: '30 18 * * FRI', duration: 1d12h, start: 2026-01-01}\n",
        json!([
            {"kind": "settings", "spec": {
                "title": "", "production_branches": ["main", "master"], "pass_minutes": 15,
                "debt_limit": 3, "debt_days": 3, "review_hours": 24, "zone": "Europe/Berlin",
                "business_hours": [8, 18], "business_days": [1, 2, 3, 4, 5], "stages": {}}},
            window("a", "freeze", json!({"zone": "Europe/Berlin", "start": "2026-12-24T00:00:00",
                "end": "2026-12-27T00:00:00", "all_day": true})),
            window("b", "freeze", json!({"zone": "UTC", "start": "2026-12-24T00:00:00",
                "end": "P2D", "all_day": true})),
            window("c", "release", json!({"zone": "Europe/Berlin", "start": "2026-01-05T09:00:00",
                "end": "PT7H", "rrule": "FREQ=DAILY", "exdates": ["2026-01-06T09:00:00"]})),
            window("d", "release", json!({"zone": "Europe/Berlin", "start": "2026-01-02T18:30:00",
                "end": "P1DT12H", "rrule": "FREQ=WEEKLY;BYDAY=FR;BYHOUR=18;BYMINUTE=30;BYSECOND=0"})),
        ]),
    );
}

#[test]
fn dates_that_are_added_and_left_out_are_days_of_what_begins_at_a_time() {
    let exdates = |yaml: &str| {
        let text = format!("windows: [{{name: w, kind: release, {yaml}}}]\n");
        let folder = [("a.yaml", text.as_str())].into_iter().collect();
        let reading = read_offline(&folder);
        assert_eq!(rendered(&folder, &reading), "", "{yaml}");
        let items = serde_json::to_value(&reading.items).expect("JSON");
        let schedule = &items[0]["spec"]["schedule"];
        (schedule["exdates"].clone(), schedule["rdates"].clone())
    };
    let daily = "start: '2026-01-05T09:00:00', duration: PT7H, rrule: FREQ=DAILY";
    let twice = "cron: '0 8,12 * * *', start: 2026-01-01, duration: PT1H";
    for (yaml, left_out, added) in [
        (format!("{daily}, exdates: [2026-01-06]"), json!(["2026-01-06T09:00:00"]), Value::Null),
        (
            format!("{daily}, exdates: ['2026-01-06T09:00:00', 2026-01-07]"),
            json!(["2026-01-06T09:00:00", "2026-01-07T09:00:00"]),
            Value::Null,
        ),
        (
            format!("{twice}, exdates: [2026-01-06]"),
            json!(["2026-01-06T08:00:00", "2026-01-06T12:00:00"]),
            Value::Null,
        ),
        (
            "start: '2026-01-05T09:00:00', duration: PT7H, rdates: [2026-01-09, '2026-01-10T10:00:00'], exdates: [2026-01-09]".to_owned(),
            json!(["2026-01-09T09:00:00"]),
            json!(["2026-01-09T09:00:00", "2026-01-10T10:00:00"]),
        ),
        (
            "start: 2026-01-05, duration: P1D, rrule: FREQ=DAILY, exdates: [2026-01-06]".to_owned(),
            json!(["2026-01-06T00:00:00"]),
            Value::Null,
        ),
        // More begins from the first to the last than is listed at once.
        (
            format!("{daily}, exdates: [2026-12-24, 2926-12-24]"),
            json!(["2026-12-24T09:00:00", "2926-12-24T09:00:00"]),
            Value::Null,
        ),
        (
            "start: '2026-01-05T00:00:00', duration: PT1M, rrule: 'FREQ=HOURLY', exdates: ['2026-01-06T05:00:00', '2027-12-24T07:00:00', '2028-12-24T07:00:00']".to_owned(),
            json!(["2026-01-06T05:00:00", "2027-12-24T07:00:00", "2028-12-24T07:00:00"]),
            Value::Null,
        ),
    ] {
        assert_eq!(exdates(&yaml), (left_out, added), "{yaml}");
    }
    let hourly = "start: '2026-01-05T00:00:00', duration: PT1M, rrule: FREQ=HOURLY";
    let (left_out, _) = exdates(&format!("{hourly}, exdates: [2026-12-24, 2028-12-25]"));
    assert_eq!(left_out.as_array().map(Vec::len), Some(48));
    let text = format!("windows: [{{name: w, kind: release, {daily}, exdates: [9999-12-31]}}]\n");
    let folder = [("a.yaml", text.as_str())].into_iter().collect();
    let told = rendered(&folder, &read_offline(&folder));
    assert!(
        told.contains("error[bad_schedule]: what begins on `9999-12-31` cannot be listed"),
        "{told}"
    );
}

#[test]
fn dates_that_cannot_be_listed_cost_no_more_than_a_window_may() {
    let told = |rule: &str, dates: &[String]| {
        let text = format!(
            "windows: [{{name: w, kind: release, start: '2026-01-05T00:00:00', duration: PT1M, rrule: '{rule}', exdates: [{}]}}]\n",
            dates.join(", ")
        );
        let folder = [("a.yaml", text.as_str())].into_iter().collect();
        rendered(&folder, &read_offline(&folder))
    };
    let days_of = |first: i16, step: usize, many: usize| -> Vec<String> {
        let first = jiff::civil::date(first, 1, 1);
        first
            .series(jiff::Span::new().days(1))
            .step_by(step)
            .take(many)
            .map(|it| it.to_string())
            .collect()
    };
    // Nothing of a rule that counts hours can be listed 114 years later: each date is a walk from its start.
    let counted =
        told("FREQ=HOURLY;COUNT=1000000", &[days_of(2027, 1, 1), days_of(2200, 1, 600)].concat());
    let refused = "cannot be listed";
    assert_eq!(counted.matches(refused).count(), 600, "{counted}");
    assert!(!counted.contains("what begins on `2027-01-01`"));
    // Nor what lies further apart than the folder's windows may take together.
    let apart = told("FREQ=MINUTELY;BYHOUR=3;BYMINUTE=0", &days_of(2027, 800, 100));
    assert!((50..100).contains(&apart.matches(refused).count()), "{apart}");
    let many = told("FREQ=DAILY", &days_of(2027, 1, 10_001));
    assert!(
        many.contains("error[bad_schedule]: there are more than 10000 entries in `exdates`"),
        "{many}"
    );
}

#[test]
fn every_event_of_a_calendar_is_a_window_of_its_own() {
    let calendar = "BEGIN:VCALENDAR\nVERSION:2.0\n\
        BEGIN:VEVENT\nUID:Xmas 1@acme.example\nDTSTAMP:20260101T000000Z\n\
        DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Christmas\n\
        DESCRIPTION:Nobody is there.\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:b\nDTSTAMP:20260101T000000Z\nDTSTART:20260601T180000\n\
        DTEND:20260601T200000\nEND:VEVENT\nEND:VCALENDAR\n";
    let yaml = "settings: {zone: Europe/Berlin}\n\
        windows: [{name: off, kind: freeze, ics: c/off.ics, in_flight: hold}]\n";
    let folder = [("a.yaml", yaml), ("c/off.ics", calendar)].into_iter().collect();
    let reading = read_offline(&folder);
    assert_eq!(rendered(&folder, &reading), "");
    let items = serde_json::to_value(&reading.items).expect("JSON");
    let spec = |at: usize| items[at]["spec"].clone();
    assert_eq!(spec(1)["name"], "off/b");
    assert_eq!(
        (&spec(1)["title"], &spec(1)["schedule"]["zone"]),
        (&json!("off"), &json!("Europe/Berlin"))
    );
    assert_eq!(
        spec(2),
        json!({"name": "off/xmas-1-acme-example", "title": "Christmas", "kind": "freeze", "scope": {},
            "schedule": {"zone": "Europe/Berlin", "start": "2026-12-24T00:00:00",
                "end": "2026-12-27T00:00:00", "all_day": true},
            "in_flight": "hold", "reason": "Nobody is there."})
    );
    let place =
        reading.sources.get(&(reading.items[2].kind(), "off/xmas-1-acme-example".to_owned()));
    assert_eq!(place.map(ToString::to_string), Some("c/off.ics:3:1".to_owned()));
}

#[test]
fn a_calendar_that_says_utc_is_of_utc_and_one_that_says_nothing_of_the_organisation() {
    for (said, key, zone) in [
        ("", "", "Europe/Berlin"),
        ("X-WR-TIMEZONE:UTC\n", "", "UTC"),
        ("X-WR-TIMEZONE:Etc/UTC\n", "", "UTC"),
        ("X-WR-TIMEZONE:Asia/Tokyo\n", "", "Asia/Tokyo"),
        ("", ", zone: UTC", "UTC"),
    ] {
        let calendar = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\n{said}BEGIN:VEVENT\nUID:b\nDTSTAMP:20260101T000000Z\n\
            DTSTART:20260601T180000\nDTEND:20260601T200000\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let yaml = format!(
            "settings: {{zone: Europe/Berlin}}\nwindows: [{{name: off, kind: freeze, ics: off.ics{key}}}]\n"
        );
        let folder =
            [("a.yaml", yaml.as_str()), ("off.ics", calendar.as_str())].into_iter().collect();
        let items = serde_json::to_value(&read_offline(&folder).items).expect("JSON");
        assert_eq!(items[1]["spec"]["schedule"]["zone"], zone, "{said}{key}");
    }
}

#[test]
fn rules_models_and_links_carry_what_was_written() {
    let alice = OfflineKeys.person("alice");
    check(
        "people: [{handle: alice, roles: [change_manager]}]\n\
         approval_rules:\n\
         - name: r\n  min_risk: high\n  kinds: emergency\n  quorum: 1\n  expires: 2d\n  remind: 90m\n",
        Value::Null,
    );
    check(
        "people: [{handle: alice}]\n\
         approval_rules:\n\
         - {name: r, min_risk: high, kinds: emergency, approvers: {persons: alice}, expires: 2d, remind: 3h}\n\
         evidence_rules:\n\
         - {name: e, requires: test_report, control: SOX}\n\
         models:\n\
         - {name: m, scope: {}, max_risk: medium, steps: [one, two], earned_after: 5}\n\
         links:\n\
         - {name: l, connector: generic, secrets: {env: A}, settings: {n: 1, f: 1.5, t: 'x', l: [true, ~]}}\n",
        json!([
            {"kind": "person", "spec": {"id": alice}},
            {"kind": "approval_rule", "spec": {"name": "r", "min_risk": "high", "kinds": ["emergency"],
                "approvers": {"persons": [alice]}, "quorum": 1, "expires_hours": 48, "remind_hours": 3}},
            {"kind": "evidence_rule", "spec": {"name": "e", "requires": ["test_report"],
                "min_risk": "low", "control": "SOX"}},
            {"kind": "change_model", "spec": {"name": "m", "scope": {}, "max_risk": "medium",
                "steps": ["one", "two"], "earned_after": 5, "lost_after": 1}},
            {"kind": "link", "spec": {"name": "l", "connector": "generic", "secrets": [{"env": "A"}],
                "settings": {"n": 1, "f": 1.5, "t": "x", "l": [true, null]}}},
        ]),
    );
}

/// `Null` stands for a folder with errors.
fn check(yaml: &str, expected: Value) {
    let folder = [("a.yaml", yaml)].into_iter().collect();
    let reading = read_offline(&folder);
    if expected.is_null() {
        return assert!(!reading.is_sound(), "{yaml}");
    }
    assert!(reading.is_sound(), "{}", rendered(&folder, &reading));
    assert_eq!(serde_json::to_value(&reading.items).expect("JSON"), expected, "{yaml}");
}
