//! `tickfmt`: formats TICKscripts.

use std::io::{read_to_string, stderr, stdin, stdout};
use std::process::exit;

fn main() {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let color = cli::Surroundings::of_process().color;
    let mut input = || read_to_string(stdin());
    exit(cli::tickfmt(&args, color, &mut input, &mut stdout(), &mut stderr()));
}
