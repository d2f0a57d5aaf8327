. /tmp/w/e; cd $1; export PYTHONPATH=$1
python /tmp/w/gr2.py old,0 6 1200 1 auto; python /tmp/w/gr2.py old,0 6 1200 3 auto
