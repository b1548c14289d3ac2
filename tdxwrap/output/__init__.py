"""What is read: plans, reports, errors and progress, as text and as JSON documents."""
