//! `docs serve`: serves the generated documentation site.

use std::{io::Write, net::IpAddr, process::ExitCode};

use clap::Args;

use crate::{
    cli::{
        args::Global,
        failure::{self, Failure},
        signal::StopSignals,
        streams::stdout,
    },
    docs::server::Server,
    workspace::DOCS_FOLDER,
};

/// `docs serve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServeArgs {
    /// Address to listen on; any but a loopback address is reachable from other machines
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(in crate::cli) host: IpAddr,
    /// Port to listen on, or a free one if it is taken
    #[arg(long, default_value_t = 8080, value_name = "PORT")]
    pub(in crate::cli) port: u16,
    /// Host names that requests may use in addition to addresses and localhost, such as a proxy's
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) allowed_host: Vec<String>,
    /// Open the page in a browser
    #[arg(long)]
    pub(in crate::cli) open: bool,
}

pub(super) async fn run(global: &Global, args: &ServeArgs) -> Result<ExitCode, Failure> {
    let folder = global.artifacts_path()?.join(DOCS_FOLDER);
    if !folder.join("index.html").is_file() {
        let message = format!("there is no documentation in {}", folder.display());
        return Err(Failure::hinted(message, "write it first with `headwater docs generate`"));
    }
    let cannot = |error| Failure::message(format!("can't listen at {}:{}: {error}", args.host, args.port));
    let server = Server::bind(&folder, args.host, args.port, &args.allowed_host).await.map_err(cannot)?;
    let address = server.address()?;
    let url = format!("http://{address}");
    if address.port() != args.port && args.port != 0 {
        failure::warn(&format!("port {} is taken: another one is used", args.port));
    }
    if !global.quiet {
        let mut out = stdout();
        let shown = folder.strip_prefix(".").unwrap_or(&folder).display();
        writeln!(out, "Serving {shown} at {url} until Ctrl-C")?;
        out.flush()?;
    }
    if args.open
        && let Err(error) = open::that_detached(&url)
    {
        failure::warn(&format!("can't open a browser: {error}"));
    }
    server.serve(stopped()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns when the user stops the server.
async fn stopped() {
    match StopSignals::install() {
        Some(mut signals) => drop(signals.next().await),
        // Then the signal ends the process by itself.
        None => std::future::pending().await,
    }
}
