//! `image-tool`: the server, the tools over stdio, and the shell commands.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    api::cli::main()
}
