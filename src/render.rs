//! Templates: pages and mails from minijinja, values formatted with their units.
