//! kill -9 at random moments under load, again and again on one folder.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Options;
use super::check;
use super::random::Random;
use super::report::Report;
use super::server::{self, How};
use super::workload::Client;

/// Pipelines that ask at the same time.
const CLIENTS: usize = 4;

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let folder = options.folder()?;
    let data = folder.path().join("data");
    let mut random = Random::of(options.seed);
    let mut first = Client::default();
    let mut all: Vec<Client> = Vec::new();
    let mut starts: Vec<Duration> = Vec::new();
    let before = report.faults();
    for round in 0..options.rounds {
        let server = server::start(&options.binary, &data, &How::default())?.ready()?;
        if round == 0 {
            first = Client::to(server.address, server.token.clone(), "declare");
            first.declare()?;
        } else {
            starts.push(server.started_in);
        }
        // What the last round did is asked again of the server that came after it.
        for client in all.iter_mut().rev().take(CLIENTS) {
            client.address = Some(server.address);
            client.again(report)?;
        }
        if round > 0 && round % 50 == 0 {
            report.says(format!("{round} rounds"));
        }
        let delay = Duration::from_millis(random.below(2_000));
        let clients: Mutex<Vec<Client>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for at in 0..CLIENTS {
                let mut client = Client::to(server.address, None, &format!("{round}-{at}"));
                (client.pipeline, client.hook) = (first.pipeline.clone(), first.hook.clone());
                let clients = &clients;
                scope.spawn(move || {
                    while client.one().is_ok() {}
                    if let Ok(mut clients) = clients.lock() {
                        clients.push(client);
                    }
                });
            }
            let until = Instant::now() + delay;
            while Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill()
        })?;
        all.extend(clients.into_inner().unwrap_or_default());
    }
    all.push(first);
    starts.push(check::restart(options, &data, &mut all, report)?);
    tell(options, &all, starts, report.faults() - before, report);
    Ok(())
}

fn tell(
    options: &Options,
    all: &[Client],
    mut starts: Vec<Duration>,
    faults: usize,
    report: &Report,
) {
    let receipts = all.iter().map(|client| client.receipts().count()).sum::<usize>();
    let tried = all.iter().map(|client| client.tried.len()).sum::<usize>();
    let delivered = all.iter().map(|client| client.delivered.len()).sum::<usize>();
    let refused = all.iter().map(|client| client.refused.len()).sum::<usize>();
    starts.sort();
    let at = |part: usize| starts[(starts.len() - 1) * part / 100].as_millis();
    report.says(format!(
        "{} rounds: {tried} requests with keys, {receipts} receipts, {delivered} deliveries, {refused} refused; \
         {faults} lost, duplicated or changed",
        options.rounds
    ));
    report.says(format!("restart: p50 {} ms, p99 {} ms, most {} ms", at(50), at(99), at(100)));
}
