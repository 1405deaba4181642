class NoSuchOrder extends Error {
  constructor(message) {
    super(message);
    this.name = 'NoSuchOrder';
  }
}

exports.handler = async (event, context) => {
  switch (event.do) {
    case 'fail':
      throw new NoSuchOrder(`order ${event.order} is unknown`);
    case 'fail with a string':
      throw 'out of stock';
    case 'exit':
      process.exit(3);
    case 'hang':
      for (;;) await new Promise((resolve) => setTimeout(resolve, 1000));
    case 'big':
      return 'x'.repeat(event.size);
    case 'log':
      console.log('printed');
      console.error('an error');
      break;
    case 'unserializable':
      return { big: 1n };
    case 'nothing':
      return;
    case 'context':
      return {
        id: context.awsRequestId,
        name: context.functionName,
        version: context.functionVersion,
        memory: Number(context.memoryLimitInMB),
        arn: context.invokedFunctionArn,
        group: context.logGroupName,
        stream: context.logStreamName,
        left: context.getRemainingTimeInMillis(),
        client: context.clientContext?.custom ?? null,
        trace: process.env._X_AMZN_TRACE_ID ?? null,
      };
  }
  return event;
};

exports.nested = { deep: exports.handler };

exports.callback = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.wait !== false;
  setTimeout(() => (event.do === 'fail' ? callback(new NoSuchOrder('unknown')) : callback(null, event)), 5);
};

exports.legacy = (event, context) => context.succeed(event);

exports.rejects = async () => {
  Promise.reject(new Error('nobody waits'));
  await new Promise((resolve) => setTimeout(resolve, 5000));
};
