//! The messages of a WebSocket.

use std::rc::Rc;

use super::{Content, FRAMES_PER_TURN};
use crate::websocket::{End, Step};
use crate::worker::{Core, Worker};
use crate::{CloseCause, Flow, Inbound, Ingress, Now};

impl<I: Ingress + 'static> Worker<I> {
    /// Serves what was kept and what came; see `serve_content`.
    pub(super) fn serve_web(&self, core: &mut Core<I>, flow: Flow, read: usize, now: Now) -> bool {
        let Some(connection) = core.service.connections.get_mut(flow) else { return false };
        let peer = connection.peer;
        let sealed = connection.is_sealed();
        let mut held = std::mem::take(&mut connection.unread);
        let Content::Web(web) = &mut connection.content else { return false };
        let (mut session, rules) = (std::mem::take(&mut web.session), Rc::clone(&web.rules));
        // Frames are unmasked where they stand, so the bytes are taken along.
        let mut fresh = std::mem::take(&mut core.plain);
        if !sealed {
            fresh.extend_from_slice(core.scratch.get(..read).unwrap_or_default());
        }
        let bytes: &mut [u8] = if held.is_empty() {
            &mut fresh
        } else {
            held.extend_from_slice(&fresh);
            &mut held
        };

        let mut at = 0;
        let mut end = None;
        let mut upgraded = false;
        let mut budget_ran_out = true;
        let mut out = Vec::new();
        for _ in 0..FRAMES_PER_TURN {
            let rest = bytes.get_mut(at..).unwrap_or_default();
            at += match session.next(rest, &rules, &mut out) {
                Step::NeedMore => {
                    budget_ran_out = false;
                    break;
                }
                Step::Upgraded { consumed } => {
                    upgraded = true;
                    self.answer(core, flow, &mut out, now);
                    if let Some(Content::Web(web)) = core.service.connections.get_mut(flow).map(|c| &mut c.content) {
                        web.is_open = true;
                    }
                    self.tell_if_ready(core, flow, now);
                    consumed
                }
                Step::Message { consumed, bytes } => {
                    core.service.connections.prove(flow);
                    if self.serve(&mut core.service, Inbound { bytes, peer, now }).is_err() {
                        end = Some(CloseCause::Panic);
                    }
                    consumed
                }
                Step::Control { consumed } => {
                    if !out.is_empty() {
                        self.counters.keepalives.up();
                    }
                    consumed
                }
                Step::Pong { consumed, .. } => {
                    self.pong(&mut core.service, flow, now);
                    consumed
                }
                Step::End(why) => {
                    end = Some(match why {
                        End::Closed => CloseCause::Peer,
                        End::Refused(_) => CloseCause::Upgrade,
                        End::Broken(_) => {
                            self.counters.framing_errors.up();
                            CloseCause::WebSocket
                        }
                    });
                    // Answers that are due come before the end.
                    core.service.flush(now);
                    0
                }
            };
            self.answer(core, flow, &mut out, now);
            if end.is_some() {
                break;
            }
        }

        let (left, moved) = (bytes.len().saturating_sub(at), at > 0 || upgraded);
        let rest = if held.is_empty() {
            fresh.split_off(at.min(fresh.len()))
        } else {
            held.drain(..held.len() - left);
            held
        };
        fresh.clear();
        core.plain = fresh;
        let Some(connection) = core.service.connections.get_mut(flow) else { return false };
        if let Content::Web(web) = &mut connection.content {
            web.session = session;
        }
        match end {
            Some(cause) => connection.finish(cause),
            None => connection.keep(rest, budget_ran_out, moved, now.at),
        }
        connection.has_backlog
    }

    /// Sends what WebSocket itself has to say.
    fn answer(&self, core: &mut Core<I>, flow: Flow, out: &mut Vec<u8>, now: Now) {
        if out.is_empty() {
            return;
        }
        if let Some(connection) = core.service.connections.get_mut(flow) {
            connection.send(out, self.streams.write_queue, now.at);
        }
        out.clear();
    }
}
