import { workerData } from 'node:worker_threads';
import { answerRequests } from '../../threads';
import { createTextEngine, type TextEngineOptions, type TextOperations } from './engine';

/** Entry of the worker thread that owns the file of words. */
answerRequests<TextOperations>(createTextEngine(workerData as TextEngineOptions));
