// A server and clients on a local socket, and a child with a channel. The same lines natively.
'use strict';
const net = require('net');
const { fork, spawn } = require('child_process');

if (process.argv[2] === 'child') {
    process.on('message', (m, handle) => {
        process.send({ sum: m.numbers.reduce((a, b) => a + b), handle: handle !== undefined });
        if (handle)
            handle.end('the child was given this connection\n');
        process.disconnect();
    });
} else {
    const lines = [];
    const say = (...words) => lines.push(words.join(' '));
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const child = fork(__filename, ['child']);
    server.on('connection', (one) => child.send({ numbers: [1, 2, 3, 4] }, one));
    child.on('message', (m) => say('child says', JSON.stringify(m)));
    child.on('exit', (code) => {
        say('exit', code);
        const other = spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
        let n = 0;
        other.stdout.on('data', (d) => { n += d.length; });
        other.on('close', () => { say('through a child', n); console.log(lines.sort().join('\n')); process.exit(); });
        other.stdin.end('x'.repeat(300000));
    });
    server.listen('node', () => {
        const client = net.connect('node');
        let text = '';
        client.on('data', (d) => { text += d; });
        client.on('end', () => { say('client got', JSON.stringify(text)); client.end(); });
    });
    net.connect('none').on('error', (e) => say(e.code, e.syscall));
}
