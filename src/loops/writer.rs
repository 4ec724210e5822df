//! The one writing thread: takes collections in, stores them in batches, acknowledges after commit.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::inventory::Inventory;
use crate::reading::Collection;
use crate::signal::Polled;
use crate::store::{Recorder, StoreError};

/// The others' end of the writing thread. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

#[allow(dead_code, reason = "read once the loop stands")]
enum Order {
    Store(
        Box<Collection>,
        Option<oneshot::Sender<Result<(), StoreError>>>,
    ),
    Preview(Vec<Collection>, oneshot::Sender<Vec<Polled>>),
    Sync(Arc<Inventory>, oneshot::Sender<Result<(), StoreError>>),
    Run(Box<dyn FnOnce(&mut Recorder) + Send>),
}

impl Writer {
    /// Hands a collection over; waits while the queue is full. Returns before it is stored.
    pub async fn store(&self, collection: Collection) {
        let _ = self
            .orders
            .send(Order::Store(Box::new(collection), None))
            .await;
    }

    /// Runs something of the store's own (alerts, notifications) on the writing thread and waits for
    /// its result.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Recorder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Run(Box::new(move |recorder| {
            let _ = reply.send(work(recorder));
        }));
        if self.orders.send(order).await.is_err() {
            return Err(StoreError::Other("the writer has stopped".into()));
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Other("the writer has stopped".into())))
    }
}
