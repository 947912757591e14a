"""The desk: home, pipeline, the page of an application, and the steps taken there."""
