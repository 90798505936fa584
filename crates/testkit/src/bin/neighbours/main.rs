//! Neighbours to try links with, and an integrator's day with them.
//!
//! `cargo run -p sluice-testkit --bin neighbours` serves systems of others on ports of this machine until it is stopped,
//! prints the links that lead to them, and does on its standard input's word what people do over there.
//! `... -- --journey PROGRAM` starts that `sluice` and takes changes through their life from both sides: approved over
//! there, told over there, unplugged in between, lied to once by each, and equal in the end. The exit code is 0 where all went as it should.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::expect_used, reason = "a neighbour that panicked has nothing to say")]
#![expect(unreachable_pub, reason = "modules of a program are reached by it alone")]

mod hand;
mod journey;
mod world;

use std::path::PathBuf;

use anyhow::bail;

use crate::world::World;

/// The first of the ports where neighbours are served to be tried by hand.
const PORT: u16 = 7_300;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match given.as_slice() {
        [] => by_hand(World::open(PORT).await?).await,
        [flag, program] if flag == "--journey" => {
            let world = World::open(0).await?;
            let program = PathBuf::from(program);
            tokio::task::block_in_place(|| journey::journey(world, &program))
        }
        _ => bail!("usage: neighbours [--journey PROGRAM]"),
    }
}

async fn by_hand(mut world: World) -> anyhow::Result<()> {
    println!("{}{}", world.links(), world.more_links());
    println!("# Credentials begin with `secret-of-`; where the rest of a link is:");
    println!(
        "#   export NEIGHBOUR_SECRET=secret-of-everybody NEIGHBOUR_SIGNING={}",
        world::SIGNING
    );
    println!("#   export NEIGHBOUR_WORKFLOW={}", world.workflow());
    println!("# {}", hand::WORDS.replace('\n', "\n# "));
    while let Some(line) = tokio::task::spawn_blocking(typed).await?? {
        match hand::does(&mut world, &line).await {
            Ok(told) => println!("{told}"),
            Err(problem) => println!("no: {problem}"),
        }
    }
    // Nobody types: they are served until somebody stops them.
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// The next line that somebody types; nothing where nobody will.
fn typed() -> std::io::Result<Option<String>> {
    let mut line = String::new();
    Ok((std::io::stdin().read_line(&mut line)? > 0).then_some(line))
}
