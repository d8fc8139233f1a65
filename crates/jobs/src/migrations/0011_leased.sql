-- whose lease ends next, so that a job that was left behind is found without looking at those that wait
CREATE INDEX job_leased ON job (name, lease_until) WHERE lease_until IS NOT NULL;
