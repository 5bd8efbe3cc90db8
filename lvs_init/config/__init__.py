"""What the user wants: text -> a Cluster, or every problem at once; a Cluster -> what a role wants."""
