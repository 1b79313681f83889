//! Listeners.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket, which only its owner can open.
    Unix(PathBuf),
    /// An address.
    Tcp(SocketAddr),
}

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody listens on the socket.
    #[error("{}: another program listens there", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// There is something else than a socket.
    #[error("{}: there is a file that is no socket", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The system does not allow it.
    #[error("{listen}: {source}")]
    Io {
        /// Where.
        listen: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Listeners that are bound.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) unix: Vec<UnixListener>,
    pub(super) tcp: Vec<TcpListener>,
}

/// Files that go when this is dropped.
#[derive(Debug)]
pub(super) struct Sockets(pub(super) Vec<PathBuf>);

/// Binds the listeners. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// One of them cannot be bound.
pub(super) fn bind(all: &[Listen]) -> Result<(Listeners, Sockets), BindError> {
    let mut listeners = Listeners { unix: Vec::new(), tcp: Vec::new() };
    let mut sockets = Sockets(Vec::new());
    for listen in all {
        match listen {
            Listen::Unix(path) => {
                listeners.unix.push(bind_unix(path)?);
                sockets.0.push(path.clone());
            }
            Listen::Tcp(addr) => {
                let failed = |source| BindError::Io { listen: addr.to_string(), source };
                let listener = TcpListener::bind(addr).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                listeners.tcp.push(listener);
            }
        }
    }
    Ok((listeners, sockets))
}

impl Listeners {
    /// The same listeners once more.
    pub(super) fn again(&self) -> io::Result<Self> {
        let unix = self.unix.iter().map(UnixListener::try_clone).collect::<io::Result<_>>()?;
        let tcp = self.tcp.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
        Ok(Self { unix, tcp })
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.0 {
            let _ = std::fs::remove_file(socket);
        }
    }
}

/// A socket that only its owner can open, from the first moment on.
fn bind_unix(path: &Path) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io { listen: format!("unix:{}", path.display()), source };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::NotASocket { path: path.to_owned() }),
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(BindError::InUse { path: path.to_owned() }),
        Ok(_) => std::fs::remove_file(path).map_err(failed)?,
        Err(_) => {}
    }
    // Bound under another name and moved, since a mode can only be set after binding.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(name);
    let bound = UnixListener::bind(&aside).and_then(|listener| {
        std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&aside, path)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| {
        let _ = std::fs::remove_file(&aside);
        failed(source)
    })
}
