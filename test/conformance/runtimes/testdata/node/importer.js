const nothing = require('no-such-module');
