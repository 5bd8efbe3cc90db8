"""What the user wants: the text of a configuration -> a Cluster, or every problem at once; a Cluster -> what a role wants."""
