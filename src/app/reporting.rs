//! Wiring of the reporter.

use tokio::sync::mpsc;

use super::Daemon;
use crate::loops::notifier::parcel::Postbox;
use crate::loops::reporter;
use crate::signal::ReportOrder;
use crate::store::Store;

impl Daemon {
    pub(super) fn reporter(
        &self,
        store: Store,
        postbox: Postbox,
        orders: mpsc::Receiver<ReportOrder>,
    ) -> reporter::Reporter {
        reporter::Reporter {
            maker: reporter::Maker {
                store,
                home: self.home.clone(),
                renderer: self.renderer(),
            },
            loaded: self.loaded.subscribe(),
            postbox,
            orders,
        }
    }
}
