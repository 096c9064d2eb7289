import {resolveWorkerFile} from '../../plugin/src/workers'; import Q from 'p-queue'; export default { register() {console.log(resolveWorkerFile('clip'), new Q().size)} };
