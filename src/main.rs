//! The program `sqlr1-tui`.

use std::process::ExitCode;

/// Flex frees and takes large temporaries all the time; the system allocator returns each to the kernel (burn.md section 4).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sqlr1_tui::cli::main()
}
