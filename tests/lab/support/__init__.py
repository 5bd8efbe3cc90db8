"""What several of the lab's tests share."""
