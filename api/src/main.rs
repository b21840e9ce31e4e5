//! `image-tool`: the server, the tools over stdio, and the shell commands.
#![forbid(unsafe_code)]

/// Pictures come and go: the allocator of the system hands their memory back each time, and clearing it anew takes longer
/// than some of the work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    api::cli::main()
}
